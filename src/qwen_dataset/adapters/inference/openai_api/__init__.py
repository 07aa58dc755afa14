"""What speaks the OpenAI protocol: files, batches and chat of Bailian, and of any server that is compatible."""
