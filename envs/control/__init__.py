"""Classic control: small machines moved in steps of time, equal to Gymnasium's."""
