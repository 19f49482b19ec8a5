package eliza

// questions answers what is asked of her, mostly by asking back.
var questions = []rule{
	{
		says: []string{"why don't you ?ever/just/simply/even +", "why do you not/never +"},
		replies: []string{
			"Would you like me to {1}?",
			"What would it change if I did?",
			"Is it I who should {1}, or somebody else?",
		},
	},
	{
		says: []string{"why can't i +", "why can i not +", "why don't i +", "why do i not +"},
		replies: []string{
			"What do you think stops you?",
			"Are you sure that you can't {1}?",
			"What happened the last time you tried?",
		},
	},
	{
		says: []string{"why am i +", "why do i +"},
		replies: []string{
			"What would somebody say who knows you well?",
			"When did you first notice that?",
			"Perhaps there is a good reason for it. Which one could it be?",
		},
	},
	{
		says: []string{"why are you +"},
		replies: []string{
			"Does it matter to you whether I am {1}?",
			"Perhaps I am {1} only in your eyes. What do you see?",
			"Would you rather I were not {1}?",
		},
	},
	{
		says: []string{"^ ?and/but why $", "why not", "^ why +"},
		ask:  true,
		replies: []string{
			"What is the best reason you can think of?",
			"There are reasons one has and reasons one gives. Which do you want?",
			"What would you do with the answer?",
			"If a child asked you that, what would you say?",
		},
	},
	{
		says: []string{"what/how should/can/could/shall i ?do +", "what should/can/could/shall i do", "should i +", "shall i +"},
		replies: []string{
			"What would you tell a friend in your place?",
			"Which answer are you hoping for?",
			"Imagine both ways, a year from now. Where do you breathe more easily?",
			"What does your first impulse say?",
		},
	},
	{
		says: []string{"can you +", "could you +", "would you +", "will you +"},
		ask:  true,
		replies: []string{
			"What would it change if I could {1}?",
			"Perhaps you would like to be able to {1} yourself?",
			"Whom else could you ask to {1}?",
		},
	},
	{
		says: []string{"can i +", "may i +", "could i +", "am i allowed to +"},
		ask:  true,
		replies: []string{
			"Whose leave do you need to {1}?",
			"What would happen if you simply did {1}?",
			"You can say anything here. What lies behind the question?",
		},
	},
	{
		says: []string{"do you think/believe ?that +", "what do you think ?about/of +"},
		replies: []string{
			"I am easily persuaded. What do you think yourself?",
			"My view would be made of yours. Tell me first.",
			"What would you like me to think?",
		},
	},
	{
		says: []string{"do you ?really/also/even know +", "have you ?ever heard of +", "have you ever +"},
		replies: []string{
			"Not from experience. What should I know about it?",
			"No, I have only what you tell me. What does it mean to you?",
			"Tell me about it as if I had never heard of anything.",
		},
	},
	{
		says: []string{"do you ?really/also/even like/love/want/have/hate/prefer +"},
		replies: []string{
			"I have no taste of my own. How is it with you?",
			"Would it bring us closer if I did?",
			"What do you find in {1}?",
		},
	},
	{
		says: []string{"are you +"},
		ask:  true,
		replies: []string{
			"Would you be pleased if I were {1}?",
			"What makes you think that I might be {1}?",
			"Are you {1}, sometimes?",
		},
	},
	{
		says: []string{"am i +"},
		ask:  true,
		replies: []string{
			"Do you think that you are {1}?",
			"Who has told you that you are {1}?",
			"What would it mean for you to be {1}?",
		},
	},
	{
		says: []string{"meaning/purpose of life", "meaning of everything"},
		replies: []string{
			"People have found it in gardens, in children and in sums that come out even. Where have you come closest?",
			"If there were one, who would have to tell you for you to believe it?",
			"When does the question not arise?",
		},
	},
	{
		says: []string{"what/which time/day/date/year", "what is the weather", "how much is", "how many", "what is the capital", "who is the president"},
		ask:  true,
		replies: []string{
			"Facts are not my trade; I have neither a clock nor a window. What else is on your mind?",
			"Others can look that up for you. What can nobody look up?",
			"I could only guess, and I never guess. Why do you ask?",
		},
	},
}
