"""The services of Hamroh and the runtime they stand on."""
