"""The only code that talks to the outside: Entra, Graph, Power BI, Fabric, git, the file system's secrets."""
