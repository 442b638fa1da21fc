"""From nothing to `weights/starter.safetensors`: see `training/README.md`."""
