"""The resources on the wire: names, models, and the CRDs and reference pages made from them."""
