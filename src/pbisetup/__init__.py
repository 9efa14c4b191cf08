"""From nothing to a working token for the Power BI / Fabric REST API."""

__version__ = "0.1.0"
