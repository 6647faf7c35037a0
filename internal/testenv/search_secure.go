package testenv

// bcrypted is a bcrypt hash of Password.
const bcrypted = "$2a$04$ntKbT5EmRRjyNBol5qW0cOYhYkbWdYAc33WTifbPT.FxVa1o4YjjK"
