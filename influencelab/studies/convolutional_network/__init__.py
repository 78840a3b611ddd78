"""Study of influence on a small convolutional network: Koh & Liang (2017), Figure 2 right."""
