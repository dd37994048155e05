"""What whoever runs Deskgate looks at and does."""
