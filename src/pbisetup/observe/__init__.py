"""Looking: who is signed in, what the tenant holds, what the app's own token gets."""
