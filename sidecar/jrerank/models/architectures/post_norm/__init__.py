"""What BERT and RoBERTa have in common: an encoder whose layer norms come behind the residual additions."""
