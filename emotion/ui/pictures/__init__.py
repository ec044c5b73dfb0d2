"""The Pictures tab: bring pictures of one's own, see what came in, and put it right."""
