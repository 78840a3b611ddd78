"""Study of whether agreement depends on the test point, and on how influential the removed points are."""
