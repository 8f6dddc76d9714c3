"""MLflow: the versions of registered models, their approval, and what they were trained on."""
