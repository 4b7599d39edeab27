"""The browser app: what each tab shows and does, its layout, and plots."""
