"""Money in the store: files and budget lines, proved and promoted; what they pay for; what is left over."""
