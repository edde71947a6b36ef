"""Notifications: people hear of alerts and work orders by mail, chat or webhook, in few messages, each once."""
