"""Mutation testing: would the tests notice if the code behind a proof were wrong?"""
