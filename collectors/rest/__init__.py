"""What sources with a JSON API over HTTP share: asking, going from page to page, reading answers."""
