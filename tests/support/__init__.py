"""What several tests need: servers, desktops and processes, each cleaned up by its own pid."""
