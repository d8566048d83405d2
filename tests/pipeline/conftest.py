from tests.support.pipeline_harness import desk

__all__ = ["desk"]
