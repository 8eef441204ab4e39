"""The desk's REST interface, one module per subject; `chebao.desk.access` says who may call what."""
