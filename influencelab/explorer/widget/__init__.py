"""What a person looks at in a notebook or a page: data in, words back, nothing computed."""
