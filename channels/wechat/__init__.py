"""WeChat official account (服务号)."""
