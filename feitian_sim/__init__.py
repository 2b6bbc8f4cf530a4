"""feitian"""
