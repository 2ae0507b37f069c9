"""The texts that parents sign, and what the law demands of a signed one."""
