"""One module per dialect that is not an OTLP trace export: each turns a body into spans, and knows no other."""
