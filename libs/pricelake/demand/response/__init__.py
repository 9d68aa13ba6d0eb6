"""How units answer the price: expected prices, slopes of each product, what identifies them."""
