"""What the command line does in a cluster; it never sends anything itself.

One sender, one journal, one policy: these commands look, or write on objects, and the operator
acts. What only the operator knows they read where it says it.
"""
