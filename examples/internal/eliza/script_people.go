package eliza

// people is about those around the user, and about loss.
var people = []rule{
	{
		says: []string{
			"my ?dear/old/beloved @family ?has/have/had/just/recently died", "my @partner ?has/just/recently died", "my @friend ?has/have/just/recently died",
			"my @pet ?has/just/recently died", "my @family passed away", "my @pet passed away", "my @friend passed away", "my @partner passed away",
			"my @family is dead", "my @pet is dead",
		},
		keep: "you lost your {1}",
		replies: []string{
			"I am sorry about your {1}. What do you miss most?",
			"That is a heavy thing to carry. Would you like to tell me about your {1}?",
			"Losing your {1}: how has the world changed since?",
		},
	},
	{
		says: []string{"died", "passed away", "funeral", "grief/grieving/mourning", "death"},
		replies: []string{
			"Such things take the time they take. Who is with you in this?",
			"What would you still have liked to say?",
			"How do you remember them, on a good day?",
			"People are often quick to console. What has really helped?",
		},
	},
	{
		says: []string{"^ ?and/but/so/because/well/now/yes/no/then my ?own/dear/little/older/younger/big/elder @family +"},
		tell: true,
		keep: "your {1} {2}",
		replies: []string{
			"Your {1} {2}. How is that for you?",
			"Who else in your family would say that your {1} {2}?",
			"Was there a time when it was different with your {1}?",
			"What would you like to say to your {1} about that?",
			"When you think of your {1}, which picture comes first?",
		},
	},
	{
		says: []string{"my ?own/dear/little/older/younger/big/elder @family"},
		replies: []string{
			"Tell me more about your {1}.",
			"What comes to mind first when you think of your {1}?",
			"How much of your {1} do you find in yourself?",
			"What would your {1} say if they heard you now?",
			"Is there something you never told your {1}?",
		},
	},
	{
		says: []string{
			"^ ?and/but/so/because/well/now/yes/no/then my ?new/old @partner +",
			"^ ?and/but/so/because/well/now/yes/no/then my ?best/good/old/only/new @friend +",
		},
		tell: true,
		keep: "your {1} {2}",
		replies: []string{
			"Your {1} {2}. What did you do then?",
			"Have you told your {1} how that is for you?",
			"And if it were the other way round, what would you expect of yourself?",
			"What first brought you and your {1} together?",
			"Does it surprise you that your {1} {2}?",
		},
	},
	{
		says: []string{"my ?new/best/old @partner", "my ?best/new/old/good @friend"},
		replies: []string{
			"What do you value most in your {1}?",
			"How do you and your {1} quarrel, and how do you make up?",
			"What does your {1} know about you that nobody else does?",
		},
	},
	{
		says: []string{"^ ?and/but/so/because/well/now/yes/no/then my ?new/old/former @office +"},
		tell: true,
		keep: "your {1} {2}",
		replies: []string{
			"Your {1} {2}. What would you say if you could say it without consequences?",
			"Is it like that for others too, or for you alone?",
			"How much of this do you take home in the evening?",
		},
	},
	{
		says: []string{"^ ?and/but/so/because/well/now/yes/no/then my ?little/old/new @pet +"},
		tell: true,
		keep: "your {1} {2}",
		replies: []string{
			"Your {1} {2}. What did you make of it?",
			"What is your {1} called?",
			"If your {1} could tell the story, how would it go?",
		},
	},
	{
		says: []string{"my ?little/old/new @pet"},
		replies: []string{
			"Does your {1} have a name that suits?",
			"Animals do not ask questions. Is that why we like to be with them?",
			"What does your {1} get from you that people do not?",
			"Tell me about the day your {1} came to you.",
		},
	},
	{
		says: []string{"divorce/divorced/separated", "broke up", "break up", "left me", "cheated on", "dumped me"},
		replies: []string{
			"That turns a life over. What has been the hardest part?",
			"When did you first know?",
			"What have you learned about yourself from it?",
			"What do you not miss at all?",
		},
	},
	{
		says: []string{"i ?really love/miss/adore/need him/her/them", "in love ?with", "fell in love"},
		keep: "there is somebody whom you love",
		replies: []string{
			"How would that person notice?",
			"What do you see in them that others overlook?",
			"Is it easier to love or to be loved?",
			"When did it begin?",
		},
	},
	{
		says: []string{"he/she/they ?always/never/just/really/still doesn't/don't/didn't/won't/can't/isn't/aren't +"},
		replies: []string{
			"What would change for you if it were otherwise?",
			"How do you explain that to yourself?",
			"Have you asked them about it directly?",
		},
	},
	{
		says: []string{"i ?don't/never ?really ?have ?any/no friends", "i have no friends", "nobody likes/loves/understands/needs/wants me", "no one likes/loves/understands/needs/wants me"},
		keep: "you feel that you are on your own",
		replies: []string{
			"That sounds lonely. When did you last feel close to someone?",
			"Nobody at all? Who would come nearest?",
			"What would a person have to know about you, to be your friend?",
		},
	},
}
