"""Work orders: opening, actions, states, priorities, parts, people and preventive plans."""
