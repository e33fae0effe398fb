"""The version, which fitted estimators are stamped with."""

__version__ = "0.1.0"
