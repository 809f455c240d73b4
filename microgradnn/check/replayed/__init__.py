"""Optimisers: which one is it that is written here, and if it is none, where does it differ?"""
