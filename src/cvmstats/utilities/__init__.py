"""What people value: counts, pooled logit, hierarchical Bayes."""
