//! What a plan is for each state of the target and each policy.
