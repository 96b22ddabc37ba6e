"""Write stories with a recurrent network."""
