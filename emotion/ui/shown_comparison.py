from emotion.ui.compare.shown import shown_comparison as shown_comparison
