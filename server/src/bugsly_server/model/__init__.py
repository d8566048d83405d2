"""The words of docs and pages as types: values without behaviour of their own."""
