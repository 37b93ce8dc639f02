-- false where the table has no such order now: docs/openstack.md, What happens when
local legal = {
  ["abort"] = {Pending = true, Queued = true, Suspended = true, Starting = true, Running = true, AwaitingConfirmation = true, Aborting = true},
  ["force-complete"] = {Pending = true, Queued = true, Suspended = true, Starting = true, Running = true, Aborting = true},
  ["confirm"] = {AwaitingConfirmation = true},
  ["revert"] = {AwaitingConfirmation = true},
  ["run-now"] = {Pending = true, Queued = true, Suspended = true, Starting = true, Running = true, Aborting = true},
  ["retry"] = {Succeeded = true, Failed = true, Aborted = true, Reverted = true},
  ["reconcile"] = {Pending = true, Queued = true, Suspended = true, Starting = true, Running = true, AwaitingConfirmation = true, Confirming = true, Reverting = true, Aborting = true, Succeeded = true, Failed = true, Aborted = true, Reverted = true},
}
local status, actions = obj.status or {}, {}
local phase = status.phase or "Pending"
local kind = obj.spec.type
actions["abort"] = {["disabled"] = not (legal["abort"][phase]), ["iconClass"] = "fa fa-fw fa-stop"}
actions["force-complete"] = {["disabled"] = not (legal["force-complete"][phase] and kind == "LiveMigration"), ["iconClass"] = "fa fa-fw fa-forward"}
actions["confirm"] = {["disabled"] = not (legal["confirm"][phase]), ["iconClass"] = "fa fa-fw fa-check"}
actions["revert"] = {["disabled"] = not (legal["revert"][phase]), ["iconClass"] = "fa fa-fw fa-undo"}
actions["run-now"] = {["disabled"] = not (legal["run-now"][phase] and kind == "MailboxMigration"), ["iconClass"] = "fa fa-fw fa-play"}
actions["retry"] = {["disabled"] = not (legal["retry"][phase]), ["iconClass"] = "fa fa-fw fa-repeat"}
actions["reconcile"] = {["disabled"] = not (legal["reconcile"][phase]), ["iconClass"] = "fa fa-fw fa-sync"}
return actions
