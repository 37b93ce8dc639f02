"""What osmig tells its operators: metrics, logs and health endpoints."""
