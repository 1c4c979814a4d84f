"""The cellar: arrays in, arrays out; none of our types, no pandas."""
