-- Whoever is registered or changes is looked for among single parents at home, of whom there are few.
create index persons_single_parents on persons (household_id)
where statuses @? '$[*] ? (@[0] == "single_parent")';
