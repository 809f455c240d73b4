"""What can be checked: functions, layers, networks, our own Tensors; each becomes a Subject."""
