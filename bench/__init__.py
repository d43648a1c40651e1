"""The benchmark: the proxy beside plain forwarders, as ratios measured in one run."""
