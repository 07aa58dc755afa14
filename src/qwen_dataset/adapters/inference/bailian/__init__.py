"""What is known of Alibaba Cloud Model Studio (Bailian), whichever SDK talks to it: places, models, errors."""
