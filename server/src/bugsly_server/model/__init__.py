"""The terms of docs and pages as types: values with little behaviour of their own."""
