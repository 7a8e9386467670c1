"""What tests of several rooms share: programs, a virtual display, Node scripts. Nothing of desktop_logs is imported."""
