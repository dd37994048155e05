"""Mail in and out: parsing, receiving by IMAP or SMTP, sending by SMTP."""
