"""What Power BI and Fabric share: how a call is judged, by an ordered table of causes, before its handler sees it."""
