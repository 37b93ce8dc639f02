if obj.metadata.annotations == nil then obj.metadata.annotations = {} end
obj.metadata.annotations["osmig.dev/reconcile"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
