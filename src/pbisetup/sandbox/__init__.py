"""A local tenant: Entra, Microsoft Graph, Power BI and Fabric on loopback, with state.

Independent of what it judges: of pbisetup it imports the clouds, the permission ids and the list of operations, nothing
else. Every answer is decided from state; every behaviour stands in a table with its source and grade.
"""
