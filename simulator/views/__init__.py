"""What the systems' views are made of: drafts and their dirt, people's cards, places, reports of incidents."""
