"""What packaging/desktop-logs.spec and packaging/bundle.sh are made of: names, libraries, licences, archives."""
