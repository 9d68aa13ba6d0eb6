"""The price-response model: curve, likelihood, inputs, network, prediction."""
